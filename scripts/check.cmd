@rem Style, types and import directions of all code; changes nothing.
@setlocal
@cd /d "%~dp0.."
@"%~dp0launch.cmd" dev "%~dp0checks.py" %*
