package dev.millrace.runners;

/** What is written to standard error while a command works. */
enum LogMode {
  /** Phases for people; a line that is rewritten on a terminal. */
  TEXT,
  /** One JSON object a line, for programs. */
  JSON,
  /** Errors only. */
  QUIET
}
