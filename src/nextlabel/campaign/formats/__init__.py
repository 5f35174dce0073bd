"""What a campaign knows, in the files of others: one format a file."""
