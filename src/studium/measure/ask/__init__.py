"""Questions of the codebook, put to a vision-language model: on this machine, or on a server."""
