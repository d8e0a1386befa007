package dev.millrace.benchmarks;

/** One of those that do the same work. */
public interface Side {

  /** Its name in tables, unique among the sides. */
  String name();

  /** What is measured of it, in words. */
  String counted();

  /** Does the work once. */
  Measured run() throws Exception;
}
