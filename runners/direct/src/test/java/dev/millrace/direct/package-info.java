@NullMarked
package dev.millrace.direct;

import org.jspecify.annotations.NullMarked;
