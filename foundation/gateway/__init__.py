"""Foundation room: the one door to banks and VNeID."""
