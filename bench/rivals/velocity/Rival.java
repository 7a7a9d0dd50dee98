// Apache Velocity 1.7 renders the template: prints its output as JSON, then for each line of input how many nanoseconds a
// rendering took, over a second. The body is read for each rendering, and the template once.

import com.jayway.jsonpath.Configuration;
import com.jayway.jsonpath.JsonPath;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import net.minidev.json.JSONStyle;
import net.minidev.json.JSONValue;
import org.apache.commons.lang.StringEscapeUtils;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.context.InternalContextAdapterImpl;
import org.apache.velocity.runtime.RuntimeInstance;
import org.apache.velocity.runtime.parser.node.SimpleNode;

public class Rival {
    static final Map<String, JsonPath> PATHS = new HashMap<>();
    static RuntimeInstance velocity = new RuntimeInstance();
    static SimpleNode tree;
    static String body;

    public static void main(String[] arguments) throws Exception {
        velocity.setProperty("runtime.log.logsystem.class", "org.apache.velocity.runtime.log.NullLogChute");
        velocity.setProperty("velocimacro.library", "");
        velocity.init();
        tree = velocity.parse(new StringReader(Files.readString(Path.of(arguments[0]))), "t");
        InternalContextAdapterImpl bare = new InternalContextAdapterImpl(new VelocityContext());
        bare.pushCurrentTemplateName("t");
        tree.init(bare, velocity);
        body = Files.readString(Path.of(arguments[1]));
        System.out.println(JSONValue.toJSONString(render(), JSONStyle.LT_COMPRESS));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        while (in.readLine() != null) {
            long start = System.nanoTime();
            long count = 0;
            while (System.nanoTime() - start < 1_000_000_000L) {
                for (int i = 0; i < 100; i++) {
                    render();
                }
                count += 100;
            }
            System.out.println((System.nanoTime() - start) / count);
        }
    }

    static String render() throws Exception {
        VelocityContext variables = new VelocityContext();
        variables.put("context", Map.of("requestId", "00000000-0000-4001-8000-000000000002"));
        variables.put("stageVariables", Map.of("tier", "gold"));
        variables.put("util", new Util());
        variables.put("input", new Input());
        InternalContextAdapterImpl adapter = new InternalContextAdapterImpl(variables);
        adapter.pushCurrentTemplateName("t");
        StringWriter text = new StringWriter();
        tree.render(adapter, text);
        return text.toString();
    }

    /** `$input`, which reads the body once. */
    public static class Input {
        private Object document;

        private Object find(String path) {
            if (document == null) {
                document = Configuration.defaultConfiguration().jsonProvider().parse(body);
            }
            return PATHS.computeIfAbsent(path, JsonPath::compile).read(document);
        }

        public Object path(String path) {
            return find(path);
        }

        public String json(String path) {
            return JSONValue.toJSONString(find(path), JSONStyle.LT_COMPRESS);
        }
    }

    /** `$util`. */
    public static class Util {
        public String escapeJavaScript(String text) {
            return StringEscapeUtils.escapeJavaScript(text);
        }
    }
}
