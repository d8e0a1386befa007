/** A Kafka broker as a program of its own. */
@NullMarked
package dev.millrace.kafka;

import org.jspecify.annotations.NullMarked;
