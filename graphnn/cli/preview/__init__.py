"""The page of ``graphnn preview``, its server, and what watches files; needs the extra."""
