"""Set-up on first use, shared by all launchers on all platforms.

Standard library only, because it runs before anything is installed. The launchers in `scripts` find a Python and run this
folder; it makes `.venv`, installs the locked packages, and runs what the launcher asked for. It may take minutes the first
time, and a few hundredths of a second afterwards.
"""
