@NullMarked
package dev.millrace.runners;

import org.jspecify.annotations.NullMarked;
