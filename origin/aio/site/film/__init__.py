"""The shop's film: painted frames, muxed into WebM without an encoder of video."""
