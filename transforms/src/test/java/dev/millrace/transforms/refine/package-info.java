@NullMarked
package dev.millrace.transforms.refine;

import org.jspecify.annotations.NullMarked;
