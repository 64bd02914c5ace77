"""The version of this program: what client and server compare, and what packaging reads."""

VERSION = "0.1.0"
