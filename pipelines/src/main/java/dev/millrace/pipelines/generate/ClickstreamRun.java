package dev.millrace.pipelines.generate;

import dev.millrace.contract.Reason;
import dev.millrace.pipelines.generate.ClickstreamGenerator.Config;
import dev.millrace.pipelines.generate.EventDraft.Field;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** One run of a {@link ClickstreamGenerator}. */
final class ClickstreamRun extends GeneratorRun<EventLine, EventDraft> {

  /** A Friday morning: the first record arrives then. */
  static final long START = Instant.parse("2024-03-01T06:00:00Z").toEpochMilli();

  private static final long STEP_MILLIS = 500;
  private static final long USUAL_DELAY_MILLIS = 20_000;
  private static final int USERS = 20_000;
  private static final int VISITS = 50;

  /** None of the others. */
  private static final String HOT_USER = "U999999";

  /** Slots a copy may come after the first: near, and far, which is five minutes. */
  private static final int NEAR = 20;

  private static final int FAR = 600;

  private static final int UNUSUAL = 100;

  private static final String SHOP = "https://shop.example.com";

  /** What browsers, a robot, a library and nobody in particular call themselves. */
  private static final List<String> AGENTS =
      List.of(
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:123.0) Gecko/20100101 Firefox/123.0",
          "Mozilla/5.0 (X11; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0",
          "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Safari/605.1.15",
          "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Mobile/15E148 Safari/604.1",
          "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Mobile Safari/537.36",
          "Mozilla/5.0 (Linux; Android 13; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0 Mobile Safari/537.36",
          "Mozilla/5.0 (iPad; CPU OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Mobile/15E148 Safari/604.1",
          "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0 Safari/537.36",
          "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
          "curl/8.5.0",
          "no agent");

  private final Config config;
  private final long maxLateness;
  private final long maxSkew;
  private final EventDraft draft = new EventDraft();
  private final List<Visit> visits = new ArrayList<>();
  private long visitors;

  ClickstreamRun(Config config) {
    super(config.records(), config.seed(), config.shares(), new EventLine());
    this.config = config;
    this.maxLateness = config.maxLateness().toMillis();
    this.maxSkew = config.maxSkew().toMillis();
    for (int i = 0; i < VISITS; i++) {
      visits.add(new Visit());
    }
  }

  @Override
  void write(long slot, @Nullable Share kind) {
    fill(slot);
    if (kind == null) {
      good(slot);
      return;
    }
    switch (kind) {
      case MALFORMED -> sin(EventSins.MALFORMED);
      case RULE_BREAKS -> sin(EventSins.RULE_BREAKS);
      case ORPHANS -> {
        draft.action("view");
        draft.product(config.products().anAbsent(random), null);
        line.event(draft);
        counter().orphan(Field.PRODUCT_ID.label());
      }
      case LATE -> {
        happened(slot, -maxLateness - beyond());
        line.event(draft);
        counter().reject(Reason.LATE);
      }
      case FUTURE -> {
        happened(slot, maxSkew + beyond());
        line.event(draft);
        counter().reject(Reason.FUTURE);
      }
      case DUPLICATES -> {
        byte[] event = line.event(draft).copy();
        pair(slot, event, survivor(), event, Outcome.DUPLICATE, NEAR, FAR);
      }
      default -> throw new IllegalArgumentException("no kind of event: " + kind);
    }
  }

  private void good(long slot) {
    if (random.oneIn(32)) {
      // Still good, but only just.
      happened(slot, random.oneIn(2) ? -maxLateness : maxSkew);
    }
    if (random.oneIn(UNUSUAL)) {
      line.spelledOtherwise(draft, random);
    } else {
      line.event(draft);
    }
    count(survivor());
  }

  private void sin(List<Sin<EventLine, EventDraft>> sins) {
    // A sin sits in any field.
    draft.action("cart");
    draft.product(product(), 1);
    draft.setText(Field.REFERRER, SHOP + "/");
    draft.setText(Field.USER_AGENT, AGENTS.get(0));
    Sin<EventLine, EventDraft> sin = choose(sins, true);
    sin.writer().write(line, draft, random);
    counter().reject(sin.reason());
  }

  private Outcome survivor() {
    return new Outcome(true, draft.revenue(), draft.units());
  }

  /** What the next of the visitors does, on time. */
  private void fill(long slot) {
    draft.clear();
    draft.setText(Field.EVENT_ID, String.format(Locale.ROOT, "E%012d", slot));
    random.pick(visits).act();
    // Drawn only if it is wanted: without, the bytes are what they were.
    if (config.hotKey() > 0 && random.fraction() < config.hotKey()) {
      draft.setText(Field.USER_ID, HOT_USER);
    }
    long delay = random.below(Math.min(USUAL_DELAY_MILLIS, maxLateness) + 1);
    happened(slot, -delay);
    if (random.oneIn(16)) {
      draft.set(Field.ARRIVED_AT, null);
    }
  }

  /** Arrived in its turn, and happened so many milliseconds after that, or before. */
  private void happened(long slot, long afterMillis) {
    long arrived = START + slot * STEP_MILLIS;
    draft.setText(Field.EVENT_TIME, instant(arrived + afterMillis));
    draft.setText(Field.ARRIVED_AT, instant(arrived));
  }

  // Instant leaves out milliseconds that are zero, which is as good.
  private static String instant(long millis) {
    return Instant.ofEpochMilli(millis).toString();
  }

  private int product() {
    Ids products = config.products();
    return products.get(random.below(products.size()));
  }

  /** A visitor in the shop: looks about, may fill a cart, may buy it, and leaves. */
  private final class Visit {
    private String user = "";
    private String session = "";
    private @Nullable String agent;
    private @Nullable String lastPage;
    private @Nullable Integer looked;
    private @Nullable Integer quantity;
    private String next = "";

    private void act() {
      if (next.isEmpty()) {
        enter();
      }
      String action = next.equals("any") ? anything() : next;
      draft.action(action);
      draft.setText(Field.USER_ID, user);
      draft.setText(Field.SESSION_ID, session);
      draft.setText(Field.REFERRER, lastPage);
      draft.setText(Field.USER_AGENT, agent);
      String page = SHOP + page(action);
      draft.setText(Field.URL, page);
      lastPage = page;
    }

    private void enter() {
      double at = random.fraction();
      user = String.format(Locale.ROOT, "U%06d", (int) (at * at * USERS));
      session = String.format(Locale.ROOT, "S%010d", visitors++);
      agent = random.oneIn(20) ? null : random.pick(AGENTS);
      lastPage = random.oneIn(2) ? null : "https://search.example.net/?q=groceries";
      looked = null;
      next = "any";
    }

    private String anything() {
      int chance = random.below(10);
      return chance < 3 ? "search" : chance < 5 && looked != null ? "cart" : "view";
    }

    private String page(String action) {
      switch (action) {
        case "search" -> {
          next = goesOn();
          return "/search?q=" + random.below(1_000);
        }
        case "view" -> {
          int product = product();
          looked = product;
          draft.product(product, null);
          next = goesOn();
          return "/product/" + product;
        }
        case "cart" -> {
          quantity = random.oneIn(4) ? null : Integer.valueOf(1 + random.below(5));
          buyIt();
          next = random.oneIn(2) ? "checkout" : goesOn();
          return "/cart";
        }
        case "checkout" -> {
          next = random.oneIn(4) ? "" : "purchase";
          return "/checkout";
        }
        default -> {
          buyIt();
          next = "";
          return "/thanks";
        }
      }
    }

    private void buyIt() {
      if (looked != null) {
        draft.product(looked, quantity);
      }
    }

    private String goesOn() {
      return random.oneIn(8) ? "" : "any";
    }
  }
}
