@rem Style, types and import directions of all code; changes nothing.
@setlocal
@rem Noted before the folder changes: a path that was typed in quotes is no longer known after that.
@set "SIDETONE_SCRIPTS=%~dp0"
@cd /d "%~dp0.."
@"%SIDETONE_SCRIPTS%launch.cmd" dev "%SIDETONE_SCRIPTS%checks.py" %*
