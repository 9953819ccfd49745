@echo off
rem Finds a Python that suits and hands all arguments over to scripts\bootstrap, which does the rest on every platform.
rem Usage: launch.cmd LEVEL PYTHON-ARGUMENTS...
setlocal
set "SIDETONE_VENV=%~dp0..\.venv\Scripts\python.exe"
if not exist "%SIDETONE_VENV%" goto search
"%SIDETONE_VENV%" -E -s -S "%~dp0bootstrap" %*
rem 103: the Python that the environment was made from is gone.
if not %errorlevel%==103 exit /b %errorlevel%

:search
for %%v in (3.13 3.12 3.11 3.14) do (
    py -%%v -E -s -S "%~dp0bootstrap" --suits >nul 2>nul
    if not errorlevel 1 (
        set "SIDETONE_PYTHON=py -%%v"
        goto found
    )
)
python -E -s -S "%~dp0bootstrap" --suits >nul 2>nul
if not errorlevel 1 (
    set "SIDETONE_PYTHON=python"
    goto found
)
echo Sidetone needs Python 3.11 to 3.14 and found none: install it from python.org and start again. 1>&2
exit /b 1

:found
%SIDETONE_PYTHON% -E -s -S "%~dp0bootstrap" %*
exit /b %errorlevel%
