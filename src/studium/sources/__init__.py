"""Where units come from: folders and posts tables."""
