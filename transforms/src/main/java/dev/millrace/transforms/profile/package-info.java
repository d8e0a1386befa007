/** What a run saw in each field of a contract. */
@NullMarked
package dev.millrace.transforms.profile;

import org.jspecify.annotations.NullMarked;
