import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import org.apache.hadoop.hive.metastore.HiveMetaStore;
import org.apache.hive.service.server.HiveServer2;

/** A Hive metastore and a HiveServer2 in one process: half the memory of two. Ends when either can't start. */
public final class OneHive {
    private static final int PATIENCE_MILLIS = 120_000;

    private OneHive() {}

    /** @param arguments the metastore's port; HiveServer2's is in hive-site.xml. */
    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        CompletableFuture<Void> metastore = CompletableFuture.runAsync(() -> serve(port), OneHive::ownThread);
        metastore.exceptionally(OneHive::end);
        await(port);
        HiveServer2.main(new String[0]);
    }

    private static void serve(int port) {
        try {
            HiveMetaStore.main(new String[] {"-p", Integer.toString(port)});
        } catch (Throwable problem) {
            throw new IllegalStateException("the metastore ended", problem);
        }
    }

    private static void ownThread(Runnable task) {
        Thread thread = new Thread(task, "metastore");
        thread.setDaemon(true);
        thread.start();
    }

    private static Void end(Throwable problem) {
        problem.printStackTrace();
        System.exit(1);
        return null;
    }

    private static void await(int port) throws InterruptedException {
        long until = System.currentTimeMillis() + PATIENCE_MILLIS;
        while (!answers(port)) {
            if (System.currentTimeMillis() > until) {
                throw new IllegalStateException("the metastore doesn't listen on port " + port);
            }
            Thread.sleep(100);
        }
    }

    private static boolean answers(int port) {
        try (Socket probe = new Socket()) {
            probe.connect(new InetSocketAddress("127.0.0.1", port), 1000);
            return true;
        } catch (java.io.IOException closed) {
            return false;
        }
    }
}
