package dev.millrace.pipelines.io.warehouse;

import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;

/**
 * Drivers that came with a job. Java keeps a list of all, for as long as the process lives; a
 * process that runs one job after the other, each with classes of its own, would keep the classes
 * of all.
 */
final class Drivers {

  private Drivers() {}

  /** Has what {@link #leave} took away, when the classes of a job are used again. */
  static void enter() {
    try {
      if (!org.postgresql.Driver.isRegistered()) {
        org.postgresql.Driver.register();
      }
    } catch (SQLException refused) {
      throw new IllegalStateException(refused);
    }
  }

  /** Takes the drivers of this job off the list, if the process is not this program's own. */
  static void leave() {
    ClassLoader job = Drivers.class.getClassLoader();
    if (job == ClassLoader.getSystemClassLoader()) {
      return;
    }
    try {
      List<Driver> ours =
          DriverManager.drivers()
              .filter(driver -> driver.getClass().getClassLoader() == job)
              .toList();
      for (Driver driver : ours) {
        if (driver instanceof org.postgresql.Driver) {
          org.postgresql.Driver.deregister();
        } else {
          DriverManager.deregisterDriver(driver);
        }
      }
    } catch (SQLException refused) {
      throw new IllegalStateException(refused);
    }
  }
}
