package dev.millrace.transforms.refine;

import dev.millrace.contract.Reason;
import org.jspecify.annotations.Nullable;

/**
 * Why a record is refused.
 *
 * @param reason code
 * @param field field at fault, if one is
 * @param detail in words, without a private value
 */
public record Problem(Reason reason, @Nullable String field, String detail) {}
