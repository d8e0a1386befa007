/**
 * What parts of the transforms cost by themselves. Each benchmark is of one record: JMH's {@code
 * ns/op} is nanoseconds for a record, on one thread.
 */
@NullMarked
package dev.millrace.benchmarks.micro;

import org.jspecify.annotations.NullMarked;
