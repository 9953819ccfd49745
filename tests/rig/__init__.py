"""A studio without hardware: sound servers, a fake microphone, OBS, all in a folder of their own."""
