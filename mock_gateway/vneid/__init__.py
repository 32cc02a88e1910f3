"""VNeID: an OpenID Connect provider with a screen, and the app in which citizens choose their welfare account."""
