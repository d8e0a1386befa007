@NullMarked
package dev.millrace.pipelines.deadletters;

import org.jspecify.annotations.NullMarked;
