package dev.millrace.benchmarks;

/**
 * One run of one side.
 *
 * @param wallSeconds from its begin to its end
 * @param cpuSeconds of all cores; NaN where the system does not tell
 * @param answer what it found
 */
public record Measured(double wallSeconds, double cpuSeconds, Answer answer) {}
