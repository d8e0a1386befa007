/** Flink's reporter for Prometheus, of which a part is not open to other packages. */
@NullMarked
package org.apache.flink.metrics.prometheus;

import org.jspecify.annotations.NullMarked;
