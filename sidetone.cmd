@rem Starts Sidetone; sets up whatever is missing first.
@"%~dp0scripts\launch.cmd" app -P -m app %*
