"""Running a study: plan, decode once, measure, write parts, record failures, resume."""
