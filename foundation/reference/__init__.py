"""Code tables of the country and of the city, and the rules for identifiers, names and amounts."""
