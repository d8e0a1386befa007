package dev.millrace.it;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/**
 * The directions of the house: schemas, transforms, pipelines, runners; each knows only those
 * before it.
 */
@AnalyzeClasses(packages = "dev.millrace", importOptions = ImportOption.DoNotIncludeTests.class)
class ModulesTest {

  @ArchTest
  static final ArchRule schemasKnowNoBeam =
      noClasses()
          .that()
          .resideInAnyPackage("dev.millrace.contract..", "dev.millrace.schemas..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "org.apache.beam..",
              "dev.millrace.transforms..",
              "dev.millrace.pipelines..",
              "dev.millrace.runners..",
              "dev.millrace.local..",
              "dev.millrace.direct..",
              "dev.millrace.flink..");

  @ArchTest
  static final ArchRule transformsKnowNoConnectorRunnerOrOptions =
      noClasses()
          .that()
          .resideInAPackage("dev.millrace.transforms..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.millrace.pipelines..",
              "dev.millrace.runners..",
              "dev.millrace.local..",
              "dev.millrace.direct..",
              "dev.millrace.flink..",
              "org.apache.beam.sdk.io.jdbc..",
              "org.apache.beam.sdk.io.parquet..",
              "org.apache.beam.sdk.options..",
              "org.apache.beam.runners..");

  @ArchTest
  static final ArchRule pipelinesNameNoRunner =
      noClasses()
          .that()
          .resideInAPackage("dev.millrace.pipelines..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.millrace.runners..",
              "dev.millrace.local..",
              "dev.millrace.direct..",
              "dev.millrace.flink..",
              "org.apache.beam.runners..");

  @ArchTest
  static final ArchRule onlyRunnerModulesKnowEngines =
      noClasses()
          .that()
          .resideInAnyPackage("dev.millrace.runners..", "dev.millrace.local..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.apache.beam.runners..");

  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices().matching("dev.millrace.(**)").should().beFreeOfCycles();
}
