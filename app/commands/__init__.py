"""The commands of the command line, one file each; `app.cli` parses their arguments."""
