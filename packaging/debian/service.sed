# The package's unit is systemd/shomare-mqtt.service but for where the program lies: no virtual environment is looked for.
/^# Install: see /d
/^# Where the virtual environment lies/d
/^Environment=PATH=\/opt\//d
s|^ExecStart=/usr/bin/env shomare-mqtt |ExecStart=/usr/bin/shomare-mqtt |
s|^\[Unit\]$|&\nDocumentation=man:shomare-mqtt(1) file:///usr/share/doc/shomare-mqtt/README.md.gz|
