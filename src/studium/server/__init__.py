"""The server: a JSON API over a study, and the browser app that uses it. No logic of studies lives here."""
