"""Models of tables and texts behind one interface, saved without pickles."""
