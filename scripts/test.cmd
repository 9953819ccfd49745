@rem Runs all tests, or those that the arguments (pytest's own) name; sets up whatever is missing first.
@setlocal
@rem Noted before the folder changes: a path that was typed in quotes is no longer known after that.
@set "SIDETONE_SCRIPTS=%~dp0"
@cd /d "%~dp0.."
@"%SIDETONE_SCRIPTS%launch.cmd" dev -m pytest %*
