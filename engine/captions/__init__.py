"""Speech is written down while it is spoken: cut into segments, recognised, committed word by word, kept in files."""
