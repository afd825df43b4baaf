"""Publishing: the answers as one ordinary file that tools without e2vdb open."""
