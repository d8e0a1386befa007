/**
 * The PostgreSQL warehouse: tables made from contracts, rows written into the staging schema of a
 * run, and one transaction that makes the run visible.
 */
@NullMarked
package dev.millrace.pipelines.io.warehouse;

import org.jspecify.annotations.NullMarked;
