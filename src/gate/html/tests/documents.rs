//! Where the banner goes, document by document: at `^`, or nowhere.

use super::place;

/// Pads a document beyond how far a `<frameset>` is looked for.
fn far() -> String {
    "<b>".repeat(6 * 1024)
}

fn check(documents: &[&str]) {
    for document in documents {
        let expected = document.find('^');
        let page = document.replacen('^', "", 1);
        let page = page.as_bytes();
        assert_eq!(place(page, []), expected, "{document:?} whole");
        assert_eq!(place(page, 1..page.len().max(1)), expected, "{document:?} byte by byte");
        for cut in 0..page.len().min(100) {
            assert_eq!(place(page, [cut]), expected, "{document:?} cut at {cut}");
        }
    }
}

#[test]
fn after_a_written_body_tag() {
    check(&[
        "<!DOCTYPE html><html lang=en><head><title>x</title></head><body>^<p>x",
        "<body>^",
        "<BODY\n class='a > b' onload=\"x('<body>')\">^ text",
        "<body/>^x",
        "<body a=\"\"b>^x",
        "\u{feff}<body>^x",
        " \n<!-- <body> --><body>^<frameset>",
        "<!doctype html \"><body>^x",
        "<title><body></title><body>^",
        "<title></titlex></title ><body>^",
        "<style><body></STYLE><body>^",
        "<noframes><body></noframes><body>^",
        "<script>'<body>'</script><body>^",
        "<script><!-- <script> </script> <body> --></script><body>^",
        "<script><!-- <script> </script> <body> </script><body>^",
        "<script><!--></script><body>^",
        "<script><!--<script>--></script><body>^",
        "<script><!--<scriptx></script><body>^",
        "<script><!--<SCRIPT/--!></script><body></script><body>^",
        "<head><noscript><img src=x><iframe src=y></iframe><body></noscript></head><body>^",
        "<template><p><body></template><body>^",
        "<template><template></template><body></template><body>^",
        "<!--><body>^",
        "<!---><body>^",
        "<!-- --!><body>^",
        "<!-- -- > <body> --><body>^",
        "<!----!-><body>--><body>^",
        "<!><body>^",
        "<!x '><body>^",
        "</><body>^",
        "</ x='><body>^",
        "<?xml version='1.0'?><body>^",
        "<![CDATA[<body><body>^",
        "</p></div a='>'><head></head></head></title><body>^",
        "<head></head> <!-- --> <link><meta charset=utf-16><base><bgsound><basefont> <body>^",
        "&#32;&Tab;<body>^",
        "<html><html a><head><head><body>^",
    ]);
}

#[test]
fn before_what_implies_the_body() {
    check(&[
        "^x",
        "  ^x",
        "^<p>x",
        "<!doctype html>\n<title>x</title>\n^<h1>x",
        "<head></head> ^x",
        "^\u{a0}<body>",
        "&#x20; ^&nbsp;",
        "^&#",
        "&#32;^<p>x",
        "&#32^<p>x",
        "&#00000000032;^<p>x",
        "^\0x",
        " ^\0<p>",
        "^<bodyx>",
        "^<\0body><br>",
        "^< body>",
        "^<",
        "^</",
        " ^<1>",
        "^<headx><body>",
        "^</body>",
        "</p>^</html>",
        "^</br>",
        "<script></script>^<noembed>",
        "<title>x</title>\n^",
        "<!doctype html>^",
        "<head></head>^",
        "<head><noscript><img></noscript>^<img>",
        "<head></head><noframes></noframes>^<noscript><img></noscript><body>",
        "</head>^<noscript>",
        "<template></head></template><noscript></noscript>^<p>",
        "<template><p>x</template>^<p>x",
        "<template><tr><td><a>x</a></td></tr></template>^<p>x",
        "<template><tr><td>x</template>^<p>x",
        "<template><b></template>^<p>x",
        "<template><svg><style></template>^<p>x",
        "<template><svg><style><!-- </style> --></style></svg></template>^<p>x",
        "<template><svg><![CDATA[</template>]]></svg></template>^<p>x",
        "<template><svg><title>x</title></svg><style>a</style></template>^<p>x",
        "<template><select><option></select></template>^<p>x",
    ]);
}

#[test]
fn an_implied_body_waits_for_what_refuses_a_frameset() {
    check(&[
        "^<p><div>x<frameset>",
        "^<p><br><frameset>",
        "^<p></br><frameset>",
        "^<p><input><frameset>",
        "^<p><input type=text><frameset>",
        "^<p><body><frameset>",
        "^<p><template><frameset>",
        "^<p><plaintext><frameset>",
        "^<p><textarea></textarea><frameset>",
        "^<svg> <path/>x<frameset>",
        "^<svg><![CDATA[ x]]><frameset>",
        "^<svg><frameset></svg>",
        "^<svg><br><frameset>",
        "^<svg></br><frameset>",
        "^<svg><style><br></style><frameset>",
        "^<math><mi>x</mi></math>",
        "<template></template>^</body><frameset>",
        "<template></template>^<p><frameset>",
        "<template></template>^\0<frameset>",
        "^<p>",
        "^<p><div",
        "^<p><!-- ",
        "^<p><script> ",
        "^</html><!-- -->",
        "^<p><noscript>x",
        "<p><frameset>",
        "<p>\0 <!-- x --><frameset>",
        "<p>&#32;<frameset>",
        "<p><input type=HIDDEN><frameset>",
        "<p><script>x</script><title>x</title><noscript><img></noscript><frameset>",
        "</body> <frameset>",
        "</html> <frameset>",
        "<svg></svg><frameset>",
        "<svg><g></svg> <frameset>",
        "<svg><![CDATA[ ]]><g/></svg><frameset>",
        "<svg><p><frameset>",
        "<svg><circle/><g></p><frameset>",
        "<p><meta charset=iso-2022-jp>x",
    ]);
    check(&[&format!("^<p>{}<frameset>", far()), &format!("^{}", far())]);
}

#[test]
fn nowhere() {
    check(&[
        "",
        " \n\t",
        "<!-- x -->",
        "</p>",
        "&#32;",
        "<frameset><frame>",
        "<template></template><frameset>",
        "<html><head><title>x</title></head><frameset><noframes><body>x</body></noframes></frameset>",
        "<title>x",
        "<title>x</title",
        "<title>x</title><scr",
        "<title>x</title><body class='",
        "<title>x</title><!-- <body>",
        "<title>x</title><!",
        "<title>x</title><!-",
        "<title>x</title><!doctype",
        "<script>x<body>",
        "<script><!-- <script> </script> <body>",
        "<noscript><body>",
        "<head><noscript><p>x",
        "<template><body>x",
        "<template><template></template><body>x",
        "<template><b><object></template><p>x",
        "<template><table><b><tr><td></template><p>x",
        "<template><svg><template></template></svg></template><p>x",
        "<template><svg><desc></desc><template><p></template><select></template><p>x",
        "<template><textarea></template><p>x",
        "<template><plaintext></template><body>",
        "<template><col><textarea></template></textarea></template><p>x",
        "<template><select><title></template></title></template><p>x",
        "<template><svg><desc></desc><style></template></style></svg></template><p>x",
        "<template><svg><desc></desc><![CDATA[></template><p>x",
        "<meta charset=iso-2022-jp><body>",
        "<template><meta charset=iso-2022-jp></template><body>",
        "<meta http-equiv=content-type content='text/html; charset=ISO-2022-JP'><body>",
    ]);
    for page in
        [&b"\xfe\xff<body>x"[..], b"\xff\xfe<\0b\0", b"\xfe\xff", b"\xef\xbb\xbf", b"\xef\xbb\xbf "]
    {
        assert_eq!(place(page, []), None);
        assert_eq!(place(page, 1..page.len()), None);
    }
}

#[test]
fn other_charsets_that_keep_ascii() {
    let shift_jis = b"<title>\x83\x5c\x95\x5c</title><body class=\"\x83\x5c\">\x83\x5c";
    let windows_1251 = b"<title>\xcf\xf0</title> \xcf<body>";
    for (page, expected) in [
        (&shift_jis[..], Some(36)),
        (windows_1251, Some(18)),
        (b"\xfe", Some(0)),
        (b"\xff<body>", Some(0)),
        (b"\xef\xbb", Some(0)),
        (b"\xef\xbb\xbf\xef\xbb\xbf", Some(3)),
        (b"\xef\xbb\xbfx", Some(3)),
    ] {
        assert_eq!(place(page, []), expected, "{}", page.escape_ascii());
        assert_eq!(place(page, 1..page.len()), expected, "{}", page.escape_ascii());
    }
}
