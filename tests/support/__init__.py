"""What the tests share: a small classifier, a simulated server, ways to read what users see."""
