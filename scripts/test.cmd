@rem Runs all tests, or those that the arguments (pytest's own) name; sets up whatever is missing first.
@setlocal
@cd /d "%~dp0.."
@"%~dp0launch.cmd" dev -m pytest %*
