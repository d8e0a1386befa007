package dev.millrace.runners;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;

import dev.millrace.pipelines.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.apache.beam.sdk.Pipeline.PipelineExecutionException;
import org.apache.beam.sdk.util.UserCodeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FailureTest {

  static Stream<Arguments> causes() {
    return Stream.of(
        Arguments.of(
            new SQLException(
                "Connection to 127.0.0.1:5432 refused. Check that …",
                "08001",
                new ConnectException("Connection refused")),
            "PostgreSQL does not answer at 127.0.0.1:5432: connection refused; start it, or check --warehouse."),
        Arguments.of(
            new SQLException("FATAL: terminating connection due to administrator command", "57P01"),
            "The connection to PostgreSQL was lost (terminating connection due to administrator command); check that it runs, and run again."),
        Arguments.of(
            new SQLException("FATAL: password authentication failed for user \"etl\"", "28P01"),
            "PostgreSQL refused the user (password authentication failed for user \"etl\"); check --warehouse-user and --warehouse-password."),
        Arguments.of(
            new SQLException("FATAL: database \"x\" does not exist", "3D000"),
            "PostgreSQL has no such database (database \"x\" does not exist); make it, or check --warehouse."),
        Arguments.of(
            new SQLException("ERROR: could not extend file: No space left on device", "53100"),
            "The disk of PostgreSQL is full (could not extend file: No space left on device); free some space and run again."),
        Arguments.of(
            new SQLException("ERROR: permission denied for schema public", "42501"),
            "PostgreSQL gave no permission (permission denied for schema public); grant it, or use another user."),
        Arguments.of(
            new IOException("No space left on device"),
            "The disk is full; free some space and run again."),
        Arguments.of(
            new IOException("/lake/part-1: No space left on device"),
            "The disk is full: no space left for /lake/part-1; free some space and run again."),
        Arguments.of(
            new NoSuchFileException("/data/x.json"),
            "There is no file /data/x.json; check the path."),
        Arguments.of(
            new FileNotFoundException("/data/x.json (No such file or directory)"),
            "There is no file /data/x.json; check the path."),
        Arguments.of(
            new FileNotFoundException("No files matched spec: /data/*.json"),
            "No file matches /data/*.json; check the path."),
        Arguments.of(
            new FileNotFoundException("/data/x.json (Permission denied)"),
            "No permission for /data/x.json; change its permissions, or name another place."),
        Arguments.of(
            new AccessDeniedException("/out/lake"),
            "No permission for /out/lake; change its permissions, or name another place."),
        Arguments.of(
            new FileNotFoundException("/out/fetch.log (Read-only file system)"),
            "/out/fetch.log cannot be used (Read-only file system); name another place, or run in a directory that you may write."),
        Arguments.of(
            new FileSystemException("/out", null, "Read-only file system"),
            "/out cannot be used (Read-only file system); name another place, or run in a directory that you may write."),
        Arguments.of(
            new UnknownHostException("db.example"),
            "The host db.example is not known; check its name."),
        Arguments.of(
            new ConnectException("Connection refused"),
            "A server does not answer (Connection refused); start it, or check its address."));
  }

  @ParameterizedTest
  @MethodSource("causes")
  void saysWhatAKnownCauseMeansHoweverItIsWrapped(Throwable cause, String sentence) {
    // Given
    Throwable wrapped =
        new PipelineExecutionException(
            UserCodeException.wrap(new ExecutionException(new RuntimeException(cause))));

    // When
    Failure failure = Failure.of(wrapped);

    // Then
    assertThat(failure, equalTo(new Failure(sentence, 1)));
  }

  @Test
  void outOfMemoryNamesTheLimitAndHowToRaiseIt() {
    Failure failure =
        Failure.of(new PipelineExecutionException(new OutOfMemoryError("Java heap space")));
    assertThat(
        failure.sentence(),
        startsWith(
            "Out of memory: Java may use " + (Runtime.getRuntime().maxMemory() >> 20) + " MB"));
    assertThat(failure.sentence(), containsString("MILLRACE_JAVA_OPTS=-Xmx"));
  }

  @Test
  void aUserErrorIsSaidAsItIsAndEndsWithStatus2() {
    Failure failure =
        Failure.of(
            new PipelineExecutionException(UserCodeException.wrap(new UserError("Say please."))));
    assertThat(failure, equalTo(new Failure("Say please.", 2)));
  }

  @Test
  void anUnknownCauseIsNamedByItsRoot() {
    Failure failure =
        Failure.of(
            new PipelineExecutionException(
                new IllegalStateException("outer", new ArithmeticException("/ by zero"))));
    assertThat(
        failure, equalTo(new Failure("The run failed: / by zero (ArithmeticException).", 1)));
  }

  @Test
  void theNextExceptionOfABatchIsFound() {
    // Given
    BatchUpdateException batch =
        new BatchUpdateException("Batch entry 0 was aborted", null, 0, new int[0], null);
    batch.setNextException(new SQLException("", "08001", new UnknownHostException("db.example")));

    // Then
    assertThat(Failure.of(new UncheckedIOException(new IOException(batch))).status(), equalTo(1));
  }

  @Test
  void valuesOfRecordsInTheDetailOfASqlErrorAreNotShown() {
    Failure failure =
        Failure.of(
            new SQLException(
                "ERROR: duplicate key value\n  Detail: Key (name)=(Jane Doe) already exists.",
                "23505"));
    assertThat(
        failure.sentence(),
        equalTo("PostgreSQL refused a statement: duplicate key value (23505)."));
    assertThat(failure.sentence(), not(containsString("Jane")));
  }

  @Test
  void aCircleOfCausesEnds() {
    // Given
    Exception first = new Exception("first");
    Exception second = new Exception("second", first);
    first.initCause(second);

    // Then
    assertThat(Failure.of(first).sentence(), containsString("second"));
  }
}
