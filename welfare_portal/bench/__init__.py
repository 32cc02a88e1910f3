"""How fast, how big: the portal beside the bare database and beside the plain way, in one run (`make bench`)."""
