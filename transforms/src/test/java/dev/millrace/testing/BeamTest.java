package dev.millrace.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.apache.beam.sdk.testing.TestPipelineExtension;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test class whose methods take a {@code TestPipeline}. A test fails that forgets to run its
 * pipeline, or adds a step after it has run.
 *
 * <p>Example: {@code @BeamTest class DedupTest { @Test void keepsOne(TestPipeline pipeline) ... }}.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(TestPipelineExtension.class)
public @interface BeamTest {}
