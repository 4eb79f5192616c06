"""The viewer: what a folder holds, in a browser on this machine, with no outside request."""
