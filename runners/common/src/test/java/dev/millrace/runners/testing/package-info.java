/** What the tests of several runners share. */
@NullMarked
package dev.millrace.runners.testing;

import org.jspecify.annotations.NullMarked;
