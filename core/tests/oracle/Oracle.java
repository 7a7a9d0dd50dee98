// Renders templates with Apache Velocity 1.7 and Jayway JsonPath, for core/tests/oracle: frames in, frames out.
//
// A frame is a length of four bytes, big endian, and as many bytes of UTF-8. In: template, body, context as JSON. Out: a
// byte (0 rendered, 1 not a template, 2 failed while rendering) and a frame with the output or the reason.

import com.jayway.jsonpath.Configuration;
import com.jayway.jsonpath.JsonPath;
import com.jayway.jsonpath.PathNotFoundException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.StringReader;
import java.io.StringWriter;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import net.minidev.json.JSONStyle;
import net.minidev.json.JSONValue;
import org.apache.commons.lang.StringEscapeUtils;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.event.EventCartridge;
import org.apache.velocity.app.event.InvalidReferenceEventHandler;
import org.apache.velocity.app.event.ReferenceInsertionEventHandler;
import org.apache.velocity.context.Context;
import org.apache.velocity.context.InternalContextAdapterImpl;
import org.apache.velocity.exception.ParseErrorException;
import org.apache.velocity.exception.TemplateInitException;
import org.apache.velocity.runtime.RuntimeInstance;
import org.apache.velocity.runtime.directive.StopCommand;
import org.apache.velocity.runtime.parser.ParseException;
import org.apache.velocity.runtime.parser.node.SimpleNode;
import org.apache.velocity.util.introspection.Info;

public class Oracle {
    public static void main(String[] arguments) throws Exception {
        RuntimeInstance velocity = new RuntimeInstance();
        velocity.setProperty("runtime.log.logsystem.class", "org.apache.velocity.runtime.log.NullLogChute");
        velocity.setProperty("velocimacro.library", "");
        velocity.setProperty("velocimacro.permissions.allow.inline", "false");
        velocity.setProperty("directive.foreach.maxloops", "1000");
        velocity.init();
        for (String name : new String[] {"evaluate", "parse", "include"}) {
            velocity.removeDirective(name);
        }
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
        while (true) {
            String template;
            try {
                template = read(in);
            } catch (EOFException end) {
                return;
            }
            answer(velocity, template, read(in), read(in), out);
            out.flush();
        }
    }

    static void answer(RuntimeInstance velocity, String template, String body, String context, DataOutputStream out)
            throws Exception {
        SimpleNode tree;
        try {
            tree = velocity.parse(new StringReader(template), "t");
            InternalContextAdapterImpl bare = new InternalContextAdapterImpl(new VelocityContext());
            bare.pushCurrentTemplateName("t");
            tree.init(bare, velocity);
        } catch (ParseException | ParseErrorException | TemplateInitException error) {
            write(out, 1, String.valueOf(error.getMessage()));
            return;
        } catch (RuntimeException | Error error) {
            write(out, 1, String.valueOf(error));
            return;
        }
        StringWriter text = new StringWriter();
        InternalContextAdapterImpl adapter = new InternalContextAdapterImpl(variables(body, context));
        adapter.pushCurrentTemplateName("t");
        try {
            tree.render(adapter, text);
        } catch (StopCommand stop) {
            // The template ends here.
        } catch (RuntimeException | Error error) {
            write(out, 2, String.valueOf(error));
            return;
        }
        write(out, 0, text.toString());
    }

    static VelocityContext variables(String body, String context) {
        VelocityContext variables = new VelocityContext();
        Map<?, ?> parsed = (Map<?, ?>) parse(context);
        for (Map.Entry<?, ?> entry : parsed.entrySet()) {
            if (entry.getValue() != null) {
                variables.put((String) entry.getKey(), entry.getValue());
            }
        }
        variables.put("input", new Input(body));
        variables.put("util", new Util());
        EventCartridge events = new EventCartridge();
        events.addEventHandler((ReferenceInsertionEventHandler) (reference, value) -> value == null ? "" : value);
        events.addEventHandler(new Empty());
        events.attachToContext(variables);
        return variables;
    }

    static Object parse(String json) {
        return Configuration.defaultConfiguration().jsonProvider().parse(json);
    }

    /** What is not there is the empty text. */
    public static class Empty implements InvalidReferenceEventHandler {
        public Object invalidGetMethod(Context context, String reference, Object object, String property, Info info) {
            return "";
        }

        public boolean invalidSetMethod(Context context, String left, String right, Info info) {
            return false;
        }

        public Object invalidMethod(Context context, String reference, Object object, String method, Info info) {
            return "";
        }
    }

    /** `$input`. What it prints as is not known; we print nothing. */
    public static class Input {
        private final String body;

        Input(String body) {
            this.body = body.isEmpty() ? "{}" : body;
        }

        public String toString() {
            return "";
        }

        public String getBody() {
            return body;
        }

        public Object path(String path) {
            try {
                return JsonPath.read(parse(body), path);
            } catch (PathNotFoundException none) {
                return null;
            }
        }

        public String json(String path) {
            try {
                return JSONValue.toJSONString(JsonPath.read(parse(body), path), JSONStyle.LT_COMPRESS);
            } catch (PathNotFoundException none) {
                return "\"\"";
            }
        }
    }

    /** `$util`. */
    public static class Util {
        public String toString() {
            return "";
        }

        public String escapeJavaScript(String text) {
            return StringEscapeUtils.escapeJavaScript(text);
        }

        public Object parseJson(String text) {
            return parse(text);
        }

        public String urlEncode(String text) throws Exception {
            return URLEncoder.encode(text, "UTF-8");
        }

        public String urlDecode(String text) throws Exception {
            return URLDecoder.decode(text, "UTF-8");
        }

        public String base64Encode(String text) {
            return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
        }

        public String base64Decode(String text) {
            return new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8);
        }
    }

    static String read(DataInputStream in) throws Exception {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    static void write(DataOutputStream out, int kind, String text) throws Exception {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeByte(kind);
        out.writeInt(bytes.length);
        out.write(bytes);
    }
}
