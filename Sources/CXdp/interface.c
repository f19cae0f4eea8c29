// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What the daemon must know about an interface, asked through ioctls in the caller's network namespace (sysfs may show
 * another one's).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cxdp.h"

static int open_control(const char *interface, struct ifreq *request)
{
	int fd;

	memset(request, 0, sizeof(*request));
	if (strnlen(interface, IFNAMSIZ) >= IFNAMSIZ)
		return -ENODEV;
	strcpy(request->ifr_name, interface);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 && errno == EAFNOSUPPORT)
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static int ask(int fd, unsigned long question, struct ifreq *request)
{
	return ioctl(fd, question, request) ? -errno : 0;
}

static int ask_ethtool(int fd, struct ifreq *request, void *command)
{
	request->ifr_data = command;
	return ask(fd, SIOCETHTOOL, request);
}

/* Combined channels serve both directions. A driver without channels (tap, bridge) has one receive queue. */
static int ask_queues(int fd, struct ifreq *request, uint32_t *rx_queues)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	int error = ask_ethtool(fd, request, &channels);

	*rx_queues = 1;
	if (error == -EOPNOTSUPP)
		return 0;
	if (!error && channels.combined_count + channels.rx_count > 0)
		*rx_queues = channels.combined_count + channels.rx_count;
	return error;
}

static void ask_driver(int fd, struct ifreq *request, char driver[32])
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};

	_Static_assert(sizeof(info.driver) == sizeof(((struct fp_interface *)0)->driver), "driver name");
	if (!ask_ethtool(fd, request, &info))
		memcpy(driver, info.driver, sizeof(info.driver) - 1);
}

static int ask_facts(int fd, struct ifreq *request, struct fp_interface *out)
{
	int error = ask(fd, SIOCGIFINDEX, request);

	if (error)
		return error;
	out->index = (uint32_t)request->ifr_ifindex;
	error = ask(fd, SIOCGIFHWADDR, request);
	if (error)
		return error;
	out->ethernet = request->ifr_hwaddr.sa_family == ARPHRD_ETHER;
	memcpy(out->mac, request->ifr_hwaddr.sa_data, sizeof(out->mac));
	error = ask(fd, SIOCGIFMTU, request);
	if (error)
		return error;
	out->mtu = (uint32_t)request->ifr_mtu;
	error = ask(fd, SIOCGIFFLAGS, request);
	if (error)
		return error;
	out->up = (request->ifr_flags & IFF_UP) != 0;
	ask_driver(fd, request, out->driver);
	return ask_queues(fd, request, &out->rx_queues);
}

int fp_interface_info(const char *interface, struct fp_interface *out)
{
	struct ifreq request;
	int fd = open_control(interface, &request);
	int error;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return fd;
	error = ask_facts(fd, &request, out);
	close(fd);
	return error;
}

int fp_interface_queues(const char *interface, uint32_t *rx_queues)
{
	struct ifreq request;
	int fd = open_control(interface, &request);
	int error;

	if (fd < 0)
		return fd;
	error = ask_queues(fd, &request, rx_queues);
	close(fd);
	return error;
}
