package dev.millrace.pipelines.io.warehouse;

import dev.millrace.pipelines.UserError;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Optional;
import java.util.Set;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Says what an error of the database means: what, where, and what to do. */
final class WarehouseErrors {

  /**
   * Deadlocks; a server that has no room, shuts down, crashes, starts up, or has given up on a
   * connection that said nothing. What begins with 08 is about the connection itself.
   */
  private static final Set<String> TRANSIENT =
      Set.of("40001", "40P01", "53300", "57P01", "57P02", "57P03", "57P05", "25P03");

  /** Of a row that another run has added between two looks: the next look sees it. */
  private static final String UNIQUE_VIOLATION = "23505";

  private WarehouseErrors() {}

  /** Whether the same work, tried again, may succeed: a deadlock, or the connection was lost. */
  static boolean isTransient(SQLException error) {
    String state = state(error);
    return state.startsWith("08") || TRANSIENT.contains(state);
  }

  /** The same for a publication, whose rows a live run can add at the same moment. */
  static boolean mayPassOnceMore(SQLException error) {
    return isTransient(error) || state(error).equals(UNIQUE_VIOLATION);
  }

  /** One sentence or two for the user. Values of records never appear. */
  static UserError explain(SQLException error, WarehouseConfig config) {
    String where = config.where();
    String user = config.user() == null ? "the default user" : "user " + config.user();
    String state = state(error);
    String sentence =
        switch (state) {
          case "08001", "08006", "08003", "08000" ->
              "The warehouse at "
                  + where
                  + " cannot be reached, or the connection broke."
                  + " Check that PostgreSQL runs there, and host and port of the URL.";
          case "08004", "28P01" ->
              "The warehouse at "
                  + where
                  + " refuses the password of "
                  + user
                  + ". Check the user, and what the password reference (env:NAME or file:PATH) leads"
                  + " to.";
          case "28000" ->
              "The warehouse at "
                  + where
                  + " does not let "
                  + user
                  + " in. Check the user, and pg_hba.conf of the server.";
          case "3D000" ->
              "There is no such database: "
                  + where
                  + ". Create it with createdb, or correct the URL of the warehouse.";
          case "3F000" ->
              "The warehouse at "
                  + where
                  + " has no schema to write to: "
                  + server(error)
                  + ". Create it, or correct currentSchema in the URL.";
          case "42P01" ->
              "What a run needs in the warehouse at "
                  + where
                  + " is not there: "
                  + server(error)
                  + ". A run is prepared before it writes, and whoever started it must stay until it"
                  + " ends. Run again.";
          case "53300" ->
              "The warehouse at "
                  + where
                  + " has no connection to spare. Wait until others end, or"
                  + " raise max_connections of the server.";
          case "57P03" ->
              "The warehouse at "
                  + where
                  + " is starting up or shutting down. Try again in a moment.";
          case "42501" ->
              "The warehouse at "
                  + where
                  + " does not allow "
                  + user
                  + " what a run needs: "
                  + server(error)
                  + ". Grant CREATE on the database and on its schema, and make the user owner of the"
                  + " tables.";
          case "55P03" ->
              "Another session at "
                  + where
                  + " held a lock on the warehouse for longer than a run"
                  + " waits. End that session (see pg_stat_activity), then run again.";
          case "23503" ->
              "A row in the warehouse at "
                  + where
                  + " would refer to a row that does not exist: "
                  + server(error)
                  + ". Nothing was published; check the dimension that it names.";
          case "53100" ->
              "The disk of the warehouse at " + where + " is full. Make room, then run again.";
          default ->
              "The warehouse at "
                  + where
                  + " refused (SQLSTATE "
                  + state
                  + ")"
                  // Messages of class 22, data exceptions, can quote the value.
                  + (state.startsWith("22")
                      ? ": a value does not fit its column"
                      : ": " + server(error))
                  + ".";
        };
    return new UserError(sentence, error);
  }

  /** The first error of the database among an error and its causes, explained. */
  static Optional<UserError> explain(Throwable error, WarehouseConfig config) {
    for (Throwable t = error; t != null; t = t.getCause()) {
      if (t instanceof UserError known) {
        return Optional.of(known);
      }
      if (t instanceof SQLException sql) {
        return Optional.of(explain(sql, config));
      }
    }
    return Optional.empty();
  }

  /** The server's own message, without its detail, which may hold values of records. */
  private static String server(SQLException error) {
    for (Throwable t = error; t != null; t = t.getCause()) {
      if (t instanceof PSQLException postgres) {
        ServerErrorMessage message = postgres.getServerErrorMessage();
        if (message != null && message.getMessage() != null) {
          return message.getMessage();
        }
      }
    }
    return error.getClass().getSimpleName();
  }

  private static String state(SQLException error) {
    for (Throwable t = error; t != null; t = t.getCause()) {
      if (t instanceof SQLException sql && sql.getSQLState() != null) {
        return sql.getSQLState();
      }
    }
    // The pool says that there is none yet, and not always why.
    return error instanceof SQLTransientConnectionException ? "08001" : "unknown";
  }
}
