package dev.millrace.benchmarks;

/** Two sides do not agree: then their speed says nothing, and the benchmark fails. */
public final class WrongAnswer extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A message that names what differs. */
  public WrongAnswer(String message) {
    super(message);
  }
}
