"""A small Discord over real sockets: the real bot runs against it, is disturbed, and is killed as a process."""
