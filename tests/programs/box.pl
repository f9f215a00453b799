#!/usr/bin/env perl
# An input box as agents have one: a raw terminal, bracketed paste, a box that Enter clears. What was sent is written to
# FILE, as it arrived.
#
# usage: box.pl FILE quiet|busy|hidden|stubborn|dialog
#   quiet     writes nothing by itself
#   busy      redraws a counter ten times a second
#   hidden    hides the cursor and leaves it below the box
#   stubborn  Enter only makes a new line
#   dialog    asks a question that Enter says yes to, and takes no text
use strict;
use warnings;

my ($file, $mode) = @ARGV;
my ($text, $log, $ticks, $pastes) = ("", "", 0, 0);
my ($input, $paste) = ("", undef);

sub draw {
	my @lines = split /\n/, shown(), -1;
	@lines = ("") unless @lines;
	my $screen = "\e[H\e[J${log}working ($ticks)\r\n";
	if ($mode eq "dialog") {
		$screen .= "Do you want to proceed?\r\n> 1. Yes\r\n  2. No";
	} else {
		$screen .= "╭────────────────────────────────────────╮\r\n";
		my $sign = ">";
		for my $line (@lines) {
			$screen .= "│ $sign $line │\r\n";
			$sign = " ";
		}
		$screen .= "╰────────────────────────────────────────╯";
		$screen .= $mode eq "hidden" ? "\r\n? for help\r\n\e[?25l" : "\e[1A\r" . "\e[" . (4 + width($lines[-1])) . "C";
	}
	syswrite STDOUT, $screen;
}

# A long paste is shown as a marker.
sub shown {
	return $text if length($text) < 300;
	return "[Pasted text #$pastes +" . ($text =~ tr/\n//) . " lines]";
}

# Columns, for the characters that the tests use.
sub width {
	my $line = shift;
	utf8::decode($line);
	my $wide = () = $line =~ /[\x{1100}-\x{11ff}\x{2e80}-\x{9fff}\x{1f300}-\x{1faff}]/g;
	return length($line) + $wide;
}

sub enter {
	if ($mode eq "stubborn") {
		$text .= "\n";
		return;
	}
	open my $out, ">", "$file.new" or die;
	syswrite $out, $mode eq "dialog" ? "yes" : $text;
	close $out;
	rename "$file.new", $file;
	$log = "sent " . length($text) . " bytes\r\n";
	$text = "";
}

sub take {
	while (length $input) {
		if (defined $paste) {
			my $end = index $input, "\e[201~";
			return if $end < 0;
			$text .= substr $input, 0, $end if $mode ne "dialog";
			$input = substr $input, $end + 6;
			$paste = undef;
		} elsif ($input =~ s/^\e\[200~//) {
			$paste = 1;
			$pastes++;
		} else {
			my $key = substr $input, 0, 1, "";
			exit 0 if $key eq "\cD";
			if ($key eq "\r") { enter() } elsif ($mode ne "dialog") { $text .= $key }
		}
	}
}

system "stty", "raw", "-echo";
syswrite STDOUT, "\e[?2004h";
draw();
while (1) {
	vec(my $ready = "", fileno(STDIN), 1) = 1;
	if (select $ready, undef, undef, $mode eq "busy" ? 0.1 : undef) {
		sysread STDIN, $input, 65536, length $input or last;
		take();
	}
	$ticks++ if $mode eq "busy";
	draw();
}
